export { resumeUpload, type UploadOptions, type UploadProgress, type UploadTarget } from './resume.ts'
export { partsOf, type UploadSource } from './parts.ts'
