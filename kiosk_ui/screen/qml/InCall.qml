import QtQuick

// Over the other side's picture: who it is, how long, and perhaps one problem. The picture itself lies below (Main).
Item {
    id: call

    required property Theme theme
    required property var view

    readonly property bool alone: !view.remote
    readonly property real reserved: view.own ? 304 * theme.unit : 0

    NamePlate {
        x: call.theme.margin * 0.5
        y: 14 * call.theme.unit - call.theme.topHeight
        theme: call.theme
        view: call.view
        widest: call.width * 0.5
        visible: !call.alone
    }

    // No picture of the other side: the name stands where the face would.
    Column {
        anchors.left: parent.left
        anchors.right: parent.right
        anchors.leftMargin: call.theme.margin
        anchors.rightMargin: call.theme.margin + call.reserved
        anchors.verticalCenter: parent.verticalCenter
        spacing: 24 * call.theme.unit
        visible: call.alone

        FitText {
            label: "name"
            width: parent.width
            limit: call.height * 0.4
            theme: call.theme
            largest: call.theme.headlineText
            font.bold: true
            text: call.view.name
        }

        FitText {
            label: "role"
            width: parent.width
            limit: call.height * 0.15
            theme: call.theme
            color: call.theme.colours.soft
            text: call.view.role
        }

        Notice {
            theme: call.theme
            limit: call.height * 0.3
            text: call.view.notice
        }
    }

    Notice {
        x: call.theme.margin * 0.5
        anchors.bottom: parent.bottom
        anchors.bottomMargin: call.theme.margin * 0.5
        widest: call.width - call.theme.margin - call.reserved
        limit: call.height * 0.36
        theme: call.theme
        text: call.alone ? "" : call.view.notice
    }
}
