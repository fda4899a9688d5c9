export { DEPLOYMENT_FILE, deploymentPath, parseDeploymentFile, readDeploymentFile } from './read.ts'
export {
  type AppSection,
  CLUSTER_ROLES,
  type ClusterRole,
  type ClusterSection,
  type DeploymentFile,
  type ResourcesSection,
  type SecretSource,
  type Target,
  TARGETS,
} from './types.ts'
