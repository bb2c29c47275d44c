import QtQuick

// Sizes follow the window; colours follow the view (kiosk_ui/screen/palette.py).
QtObject {
    required property real width
    required property real height
    required property var colours

    readonly property real unit: Math.min(width / 1280, height / 800)
    readonly property real margin: 48 * unit
    readonly property real barHeight: 168 * unit
    readonly property real topHeight: 92 * unit
    readonly property real hugeText: 216 * unit
    readonly property real headlineText: 92 * unit
    readonly property real barText: 60 * unit
    readonly property real bodyText: 52 * unit
    readonly property real smallText: 32 * unit
}
