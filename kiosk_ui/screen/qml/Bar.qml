import QtQuick

// What the button does now, or whom to phone. Always in the same place.
Rectangle {
    id: bar

    required property Theme theme
    required property var view
    property real reserved: 0

    readonly property bool swapped: view.refused
    readonly property color ground: swapped ? theme.colours.barInk : theme.colours.bar
    readonly property color ink: swapped ? theme.colours.bar : theme.colours.barInk

    height: theme.barHeight
    color: ground
    visible: view.barText !== ""

    Item {
        id: sign

        anchors.left: parent.left
        anchors.leftMargin: bar.theme.margin
        anchors.verticalCenter: parent.verticalCenter
        width: visible ? 108 * bar.theme.unit : 0
        height: 108 * bar.theme.unit
        visible: bar.view.bar !== "staff"

        ButtonSign {
            anchors.fill: parent
            visible: bar.view.bar === "button"
            ring: bar.ink
            cap: bar.theme.colours.accent
            opacity: beat.low ? 0.45 : 1
        }

        PhoneSign {
            anchors.fill: parent
            anchors.margins: 8 * bar.theme.unit
            visible: bar.view.bar === "phone"
            colour: bar.ink
        }
    }

    Timer {
        id: beat

        property bool low: false

        interval: 800
        repeat: true
        running: bar.view.layout === "ringing"
        onTriggered: low = !low
        onRunningChanged: low = false
    }

    BigText {
        objectName: "bar"
        anchors.left: sign.right
        anchors.leftMargin: sign.visible ? 36 * bar.theme.unit : 0
        anchors.right: parent.right
        anchors.rightMargin: bar.theme.margin + bar.reserved
        anchors.top: parent.top
        anchors.bottom: parent.bottom
        anchors.topMargin: 8 * bar.theme.unit
        anchors.bottomMargin: 8 * bar.theme.unit
        theme: bar.theme
        largest: bar.theme.barText
        color: bar.ink
        font.bold: true
        lineHeight: 0.92
        verticalAlignment: Text.AlignVCenter
        text: bar.view.barText
    }
}
