"""The production server: gunicorn with a fast and strict worker class. Any other WSGI server works, too."""
