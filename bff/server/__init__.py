"""The production server: gunicorn with a fast and strict worker class. Optional: any WSGI server works."""
