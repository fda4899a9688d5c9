export { openBrowser } from './open-browser.ts'
export { findPages, type InstalledPages, loadPages, type LoadedPages } from './pages.ts'
export { findObstacle } from './relay-check.ts'
export { type RunningPages, servePages } from './server.ts'
