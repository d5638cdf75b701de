"""``python -m course_lib COMMAND``: set the course up if need be, then do what ``course COMMAND`` does."""

import sys

from course_lib.bootstrap import main

if __name__ == "__main__":
    sys.exit(main())
