/** What a series is called while it is dragged, so that nothing else can be dropped on a pane. */
export const SERIES_DRAGGED = 'application/x-consilium-series';
