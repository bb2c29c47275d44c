import QtQuick

// One problem and what to do about it, on a plate of its own.
Rectangle {
    id: notice

    required property Theme theme
    required property string text
    required property real limit
    property real widest: parent.width

    readonly property real padding: 28 * theme.unit

    width: Math.min(widest, words.contentWidth + 2 * padding + 1)
    height: words.contentHeight + padding
    radius: 20 * theme.unit
    color: theme.colours.plate
    visible: text !== ""

    BigText {
        id: words

        objectName: "notice"
        x: notice.padding
        y: notice.padding / 2
        width: notice.widest - 2 * notice.padding
        height: notice.limit - notice.padding
        theme: notice.theme
        largest: 46 * notice.theme.unit
        color: notice.theme.colours.plateInk
        text: notice.text
    }
}
