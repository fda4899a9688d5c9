export {
  createModelManifest,
  MAX_MANIFEST_BYTES,
  MAX_MODEL_FILES,
  MODEL_FILE_NAME,
  MODEL_ID,
  modelDigest,
  type ModelManifestErrorCode,
  parseModelManifest,
} from './manifest.ts'
export {
  ADAPTED_ENGINES,
  MODEL_ENGINES,
  MODEL_FILE_ROLES,
  MODEL_TASKS,
  type ModelEngine,
  type ModelFileEntry,
  type ModelFileRole,
  type ModelManifest,
  type ModelTask,
} from './types.ts'
