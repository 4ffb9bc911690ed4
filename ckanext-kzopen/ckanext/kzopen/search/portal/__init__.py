"""The one search of the portal: the page `/search`, `/api/search/v1`, suggestions, saved searches.

question    what is asked, as it stands in an address
reading     the words that people type → a tree, and hints where they were not taken literally
answering   a question under a reader's permissions → hits, counts of sections and filters
hits        what is shown of a document, with highlighted fragments
helping     what to do when nothing was found
"""
