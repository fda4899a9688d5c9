export { Replica, type ReplicaHooks } from './replica.ts'
