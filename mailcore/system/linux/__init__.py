"""The backend for Linux: pidfd, /proc, inotify, subreaper."""
