"""kzopen: an open-data and open-government portal on CKAN.

Each of its processes looks for cycles of garbage less often than Python does by itself: while CKAN is loaded there are none,
and to look for them took a tenth of that time.
"""

import gc

gc.set_threshold(5_000, 10, 10)
