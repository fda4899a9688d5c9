export { type Config, loadConfig, PROJECT_FILE, type Setting } from './load.ts'
export {
  configDirectory,
  type ConfigWorld,
  SETTING_NAMES,
  SETTING_VARIABLES,
  type SettingName,
  stateDirectory,
} from './sources.ts'
export { STACK_FILE, stackFilePath } from './stack-file.ts'
