import QtQuick

// The sign that the camera or the microphone is open. Over everything else, in every state.
Rectangle {
    id: sign

    required property Theme theme
    required property string text

    width: words.implicitWidth + dot.width + 68 * theme.unit
    height: 64 * theme.unit
    radius: height / 2
    color: theme.colours.sign
    border.width: 3 * theme.unit
    border.color: theme.colours.signInk
    visible: text !== ""

    Rectangle {
        id: dot

        anchors.left: parent.left
        anchors.leftMargin: 24 * sign.theme.unit
        anchors.verticalCenter: parent.verticalCenter
        width: 26 * sign.theme.unit
        height: width
        radius: width / 2
        color: sign.theme.colours.signInk
    }

    Text {
        id: words

        objectName: "live"
        anchors.left: dot.right
        anchors.leftMargin: 16 * sign.theme.unit
        anchors.verticalCenter: parent.verticalCenter
        color: sign.theme.colours.signInk
        font.pixelSize: sign.theme.smallText
        font.bold: true
        textFormat: Text.PlainText
        text: sign.text
        Accessible.role: Accessible.StaticText
        Accessible.name: text
    }
}
