import QtQuick

// The whole screen. `screen.view` (kiosk_ui/screen/bridge.py) says everything; nothing is decided here.
Rectangle {
    id: root

    required property var screen
    readonly property var view: screen.view
    readonly property bool live: view.layout === "in_call"
    readonly property size remoteFrame: Qt.size(remote.width, remote.height)
    property alias remoteSink: remote.sink
    property alias ownSink: own.sink

    color: style.colours.ground

    Theme {
        id: style

        width: root.width
        height: root.height
        colours: root.view.colours
    }

    Picture {
        id: remote

        objectName: "remote"
        anchors.left: parent.left
        anchors.right: parent.right
        anchors.top: parent.top
        height: parent.height - style.barHeight
        cropped: root.screen.cropRemote
        visible: root.view.remote
        opacity: root.view.dimmed ? 0.3 : 1
    }

    BigText {
        objectName: "station"
        x: style.margin
        width: parent.width * 0.4
        height: style.topHeight
        verticalAlignment: Text.AlignVCenter
        theme: style
        largest: style.smallText
        color: style.colours.soft
        text: root.live ? "" : root.view.station
    }

    Loader {
        anchors.left: parent.left
        anchors.right: parent.right
        anchors.top: parent.top
        anchors.topMargin: style.topHeight
        anchors.bottom: parent.bottom
        anchors.bottomMargin: bar.visible ? bar.height : 0
        sourceComponent: pages[root.view.layout]

        readonly property var pages: ({
            idle: idle, calling: calling, ringing: ringing, connecting: connecting,
            in_call: inCall, ended: ended, fault: fault, offline: offline, claim: claim, note: note
        })
    }

    Component { id: idle; Idle { theme: style; view: root.view } }
    Component { id: calling; Calling { theme: style; view: root.view } }
    Component { id: ringing; Ringing { theme: style; view: root.view } }
    Component { id: connecting; Connecting { theme: style; view: root.view } }
    Component { id: inCall; InCall { theme: style; view: root.view } }
    Component { id: ended; Ended { theme: style; view: root.view } }
    Component { id: fault; Fault { theme: style; view: root.view } }
    Component { id: offline; Offline { theme: style; view: root.view } }
    Component { id: claim; Claim { theme: style; view: root.view } }
    Component { id: note; Page { theme: style; view: root.view } }

    Bar {
        id: bar

        anchors.left: parent.left
        anchors.right: parent.right
        anchors.bottom: parent.bottom
        theme: style
        view: root.view
        reserved: time.visible ? time.width + style.margin : 0
    }

    BigText {
        id: time

        objectName: "elapsed"
        anchors.right: bar.right
        anchors.rightMargin: style.margin
        anchors.top: bar.top
        height: bar.height
        width: 220 * style.unit
        horizontalAlignment: Text.AlignRight
        verticalAlignment: Text.AlignVCenter
        theme: style
        wrapMode: Text.NoWrap
        largest: style.barText
        color: style.colours.barInk
        text: root.view.elapsed
    }

    Rectangle {
        id: ownFrame

        readonly property real aspect: root.screen.ownAspect

        anchors.right: parent.right
        anchors.rightMargin: style.margin * 0.5
        y: root.live ? bar.y - height - style.margin * 0.5 : (style.topHeight + bar.y - height) / 2
        width: (root.live ? 280 : 340) * style.unit
        height: width / aspect
        color: style.colours.signInk
        visible: root.view.own

        Picture {
            id: own

            objectName: "own"
            anchors.fill: parent
            anchors.margins: 4 * style.unit
            cropped: true
            mirrored: root.view.ownMirrored
        }

        // A still is taken: a soft light over the own picture, once.
        Rectangle {
            anchors.fill: parent
            color: style.colours.signInk
            opacity: 0
            visible: root.view.flash

            SequentialAnimation on opacity {
                running: root.view.flash

                NumberAnimation { to: 0.8; duration: 200 }
                NumberAnimation { to: 0; duration: 900 }
            }
        }
    }

    LookSign {
        anchors.right: ownFrame.right
        anchors.bottom: ownFrame.visible ? ownFrame.top : bar.top
        anchors.bottomMargin: 10 * style.unit
        widest: ownFrame.width
        theme: style
        text: root.live ? root.view.looking : ""
    }

    LiveSign {
        anchors.right: parent.right
        anchors.rightMargin: style.margin * 0.5
        y: (style.topHeight - height) / 2
        theme: style
        text: root.view.live
    }

    // Over everything: the display itself gives no less.
    Rectangle {
        objectName: "shade"
        anchors.fill: parent
        color: "#000000"
        opacity: 1 - root.view.brightness / 100
        visible: opacity > 0
    }
}
