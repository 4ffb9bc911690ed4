"""The one search of the portal: the page `/search`, `/api/search/v1`, suggestions, saved searches.

question    what is asked, as it stands in an address
reading     the words that people type → a tree, and hints where they were not taken literally
answering   a question under a reader's permissions → hits, counts of sections and filters
hits        what is shown of a document, with highlighted fragments
saved       what the address of a saved search means, and what it is called
asked       which saved searches a document may fit
found       whoever saved a search is told of what newly fits it
helping     what to do when nothing was found
"""
