Page {
    waiting: true
}
