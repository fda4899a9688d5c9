export { encodeMultipart, type MultipartBody, type MultipartPart, partsOfForm } from './encode.ts'
