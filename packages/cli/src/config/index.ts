export {
  chooseContext,
  CONTEXT_NAME,
  contextFiles,
  currentContext,
  listContexts,
  removeContext,
  requireContext,
  saveContext,
} from './contexts.ts'
export { type Config, DEFAULT_GATEWAY, loadConfig, PROJECT_FILE, type Setting } from './load.ts'
export {
  configDirectory,
  type ConfigWorld,
  type PartialSettings,
  SETTING_NAMES,
  SETTING_VARIABLES,
  type SettingName,
  stateDirectory,
} from './sources.ts'
export { STACK_FILE, stackFilePath } from './stack-file.ts'
