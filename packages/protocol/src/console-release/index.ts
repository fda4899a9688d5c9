export {
  CONSOLE_RELEASE_PREDICATE,
  CONSOLE_RELEASE_TYPE,
  type ConsoleRelease,
  consoleReleaseDecoder,
} from './console-release.ts'
