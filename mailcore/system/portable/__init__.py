"""The backend for every POSIX system: psutil and watchfiles."""
