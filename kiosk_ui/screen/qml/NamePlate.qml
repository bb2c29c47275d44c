import QtQuick

// Who is on the picture.
Rectangle {
    id: plate

    required property Theme theme
    required property var view
    required property real widest

    readonly property real padding: 24 * theme.unit

    width: Math.max(name.contentWidth, role.visible ? role.contentWidth : 0) + 2 * padding
    height: lines.height + 12 * theme.unit
    radius: 16 * theme.unit
    color: theme.colours.ground

    Column {
        id: lines

        x: plate.padding
        y: 4 * plate.theme.unit

        BigText {
            id: name

            objectName: "name"
            width: plate.widest - 2 * plate.padding
            height: 62 * plate.theme.unit
            theme: plate.theme
            largest: 46 * plate.theme.unit
            font.bold: true
            verticalAlignment: Text.AlignVCenter
            text: plate.view.name
        }

        BigText {
            id: role

            objectName: "role"
            width: plate.widest - 2 * plate.padding
            height: 44 * plate.theme.unit
            theme: plate.theme
            largest: 32 * plate.theme.unit
            maximumLineCount: 1
            color: plate.theme.colours.soft
            text: plate.view.role
        }
    }
}
