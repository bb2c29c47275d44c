import QtQuick

// The button as it looks on the table: a round cap in a ring.
Rectangle {
    required property color ring
    required property color cap

    width: height
    radius: height / 2
    color: ring

    Rectangle {
        anchors.centerIn: parent
        width: parent.width * 0.66
        height: width
        radius: width / 2
        color: parent.cap
    }
}
