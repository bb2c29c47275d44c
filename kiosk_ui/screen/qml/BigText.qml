import QtQuick

// Text that shrinks before it overflows, and is drawn as curves: glyph textures blur at these sizes.
Text {
    required property Theme theme
    property real largest: theme.bodyText

    color: theme.colours.ink
    font.pixelSize: largest
    fontSizeMode: Text.Fit
    minimumPixelSize: Math.max(14, largest * 0.42)
    wrapMode: Text.Wrap
    elide: Text.ElideRight
    renderType: Text.CurveRendering
    textFormat: Text.PlainText
    visible: text !== ""
    Accessible.role: Accessible.StaticText
    Accessible.name: text
}
