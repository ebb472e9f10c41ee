"""The detached processes that own a run or a waiting start: supervisor, sentinel, queue waiter; the attempts."""
