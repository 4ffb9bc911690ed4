"""Views, downloads and API calls, counted from the web server's access records, without cookies and not in the request.

The web server adds a line of JSON for each request (`record`); a job reads what is new (`reading`), tells robots from people
and requests from what they ask for (`classify`), and adds up by object and day (`counting`).
"""
