"""The engine at an address: an Elasticsearch 8 of one node or many, which takes the same documents and answers the same."""
