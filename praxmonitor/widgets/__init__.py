"""What the screens are made of: objects that take values and hold the lines they draw; no disk, no clock, no psutil.

One widget paints for all of them, `Lines`. An object sets the lines of its own, is told by it of a size, a click or the
wheel, and tells the view by a message that it posts there.
"""
