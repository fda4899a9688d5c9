export { readDockerCredentials, type RegistryCredentials } from './credentials.ts'
export { pullImage, type PullImageOptions } from './pull.ts'
export { pushImage, type PushImageOptions } from './push.ts'
export { formatReference, type ImageReference, parseReference } from './reference.ts'
