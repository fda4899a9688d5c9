export { CONSOLE_RELEASE_PREDICATE, type ConsoleRelease, consoleReleaseDecoder } from './console-release.ts'
