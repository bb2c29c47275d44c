import QtQuick

// Not enrolled, and IT can change that: what to do, the six digits, and the QR code beside them.
Item {
    id: claim

    required property Theme theme
    required property var view

    Column {
        anchors.left: parent.left
        anchors.right: code.left
        anchors.leftMargin: claim.theme.margin
        anchors.rightMargin: claim.theme.margin
        anchors.verticalCenter: parent.verticalCenter
        spacing: 16 * claim.theme.unit

        FitText {
            label: "headline"
            width: parent.width
            limit: claim.height * 0.34
            theme: claim.theme
            largest: claim.theme.headlineText * 0.8
            font.bold: true
            text: claim.view.headline
        }

        FitText {
            label: "sub"
            width: parent.width
            limit: claim.height * 0.26
            theme: claim.theme
            largest: claim.theme.bodyText * 0.8
            color: claim.theme.colours.soft
            text: claim.view.sub
        }

        FitText {
            label: "check"
            width: parent.width
            limit: claim.height * 0.26
            theme: claim.theme
            largest: claim.theme.hugeText * 0.6
            font.bold: true
            text: claim.view.check
        }
    }

    Image {
        id: code

        objectName: "qr"
        anchors.right: parent.right
        anchors.rightMargin: claim.theme.margin
        anchors.verticalCenter: parent.verticalCenter
        width: Math.min(parent.height - claim.theme.margin * 0.5, parent.width * 0.45)
        height: width
        fillMode: Image.PreserveAspectFit
        source: claim.view.qr
        Accessible.role: Accessible.Graphic
        Accessible.name: claim.view.claim
    }
}
