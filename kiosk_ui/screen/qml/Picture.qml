import QtQuick
import QtMultimedia

// A moving picture, never stretched. `cropped` fills the frame; otherwise all of the picture is shown.
Item {
    id: picture

    property bool cropped: false
    property bool mirrored: false
    property alias sink: output.videoSink

    clip: true

    VideoOutput {
        id: output

        anchors.fill: parent
        fillMode: picture.cropped ? VideoOutput.PreserveAspectCrop : VideoOutput.PreserveAspectFit
        transform: Scale {
            origin.x: picture.width / 2
            xScale: picture.mirrored ? -1 : 1
        }
    }
}
