import QtQuick

// One message: a headline, what to do, and perhaps one problem. The shape of every state but idle and in call.
Item {
    id: page

    required property Theme theme
    required property var view
    property bool waiting: false

    readonly property real reserved: view.own ? 380 * theme.unit : 0
    readonly property bool crowded: view.notice !== ""

    Column {
        id: column

        anchors.left: parent.left
        anchors.right: parent.right
        anchors.leftMargin: page.theme.margin
        anchors.rightMargin: page.theme.margin + page.reserved
        anchors.verticalCenter: parent.verticalCenter
        spacing: 24 * page.theme.unit

        FitText {
            label: "headline"
            width: parent.width
            limit: page.height * (page.crowded ? 0.4 : 0.54)
            theme: page.theme
            largest: page.theme.headlineText
            font.bold: true
            text: page.view.headline
        }

        FitText {
            label: "role"
            width: parent.width
            limit: page.height * 0.13
            theme: page.theme
            color: page.theme.colours.soft
            text: page.view.role
        }

        FitText {
            label: "sub"
            width: parent.width
            limit: page.height * (page.crowded ? 0.17 : 0.26)
            theme: page.theme
            color: page.theme.colours.soft
            text: page.view.sub
        }

        WaitDots {
            theme: page.theme
            visible: page.waiting && !page.crowded
        }

        Notice {
            theme: page.theme
            limit: page.height * 0.28
            text: page.view.notice
        }
    }

    BigText {
        objectName: "staff"
        anchors.right: parent.right
        anchors.bottom: parent.bottom
        anchors.margins: page.theme.margin * 0.25
        width: parent.width * 0.6
        height: 36 * page.theme.unit
        horizontalAlignment: Text.AlignRight
        verticalAlignment: Text.AlignBottom
        theme: page.theme
        largest: 26 * page.theme.unit
        color: page.theme.colours.soft
        text: page.view.staff
    }
}
