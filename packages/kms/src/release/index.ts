export { Releaser, type ReleaserContext } from './release.ts'
