export { openOwners, type OwnerQuota, type Owners, type OwnersOptions } from './owners.ts'
