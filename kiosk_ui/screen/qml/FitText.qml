import QtQuick

// A text that takes no more height than `limit`, and no more than it needs.
Item {
    id: fit

    required property Theme theme
    required property real limit
    property alias text: words.text
    property alias largest: words.largest
    property alias color: words.color
    property alias font: words.font
    property alias horizontalAlignment: words.horizontalAlignment
    property alias maximumLineCount: words.maximumLineCount
    readonly property real painted: visible ? words.contentWidth : 0
    property string label: ""

    height: words.contentHeight
    visible: text !== ""

    BigText {
        id: words

        objectName: fit.label
        width: parent.width
        height: fit.limit
        theme: fit.theme
    }
}
