"""`./kzopen upgrade`: another release of the checkout, with a backup before and the way back when it fails.

    stop → backup → switch the code and its libraries → migrate → look → start

The command runs while the code below it changes. So whatever it needs is imported before that, and from then on it only calls
git and commands of `./kzopen`: those of the new release, and on the way back those of the old one.
"""
