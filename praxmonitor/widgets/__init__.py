"""What the screens are made of. A widget takes values and posts messages: no disk, no clock, no psutil."""
