"""The resident's screen: Qt Quick, a process of its own. It knows no network and no hardware but the display.

What is shown is decided in `view.py` (pure) from what `follower.py` remembers (pure); the rest carries it out.

Errors::

    ScreenError             the screen cannot be shown; the text says what to do
    ├── DisplayMissing      no display to draw on
    ├── QtMissing           Qt, or a system library it needs, is not installed
    ├── QmlBroken           the screen's own QML cannot be loaded
    ├── BadPicture          a picture in the ring that cannot be shown
    └── BadSize             `screen.size` is neither `fullscreen` nor `<width>x<height>`
"""
