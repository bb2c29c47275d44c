import QtQuick
import QtQuick.Shapes

// A telephone handset.
Shape {
    id: sign

    required property color colour

    width: height
    preferredRendererType: Shape.CurveRenderer

    ShapePath {
        strokeColor: "transparent"
        fillColor: sign.colour
        scale: Qt.size(sign.height / 24, sign.height / 24)
        PathSvg {
            path: "M6.6 10.8c1.5 2.9 3.8 5.2 6.6 6.6l2.2-2.2c.3-.3.7-.4 1-.2 1.1.4 2.4.6 3.6.6.6 0 1 .4 1 1V20c0 .6-.4 1-1 1C10.600 21 3 13.400 3 4c0-.6.4-1 1-1h3.500c.6 0 1 .4 1 1 0 1.300.2 2.500.6 3.600.1.3 0 .7-.2 1z"
        }
    }
}
