import QtQuick

// The time, the day, and (in the bar) what the button does.
Item {
    id: idle

    required property Theme theme
    required property var view

    readonly property bool crowded: view.notice !== ""

    Column {
        anchors.centerIn: parent
        width: parent.width - 2 * idle.theme.margin
        spacing: 20 * idle.theme.unit

        FitText {
            label: "clock"
            width: parent.width
            limit: idle.height * (idle.crowded ? 0.4 : 0.62)
            horizontalAlignment: Text.AlignHCenter
            theme: idle.theme
            largest: idle.theme.hugeText
            font.bold: true
            text: idle.view.clock || idle.view.headline
        }

        FitText {
            label: "date"
            width: parent.width
            limit: idle.height * 0.2
            horizontalAlignment: Text.AlignHCenter
            theme: idle.theme
            largest: 76 * idle.theme.unit
            text: idle.view.date
        }

        Notice {
            anchors.horizontalCenter: parent.horizontalCenter
            theme: idle.theme
            limit: idle.height * 0.28
            text: idle.view.notice
        }
    }
}
