export {
  acceptedDataUseDecoder,
  DATA_TASKS,
  dataUseDecoder,
  describeDataUse,
  findDataUseExcess,
  isSameDataUse,
  type AcceptedDataUse,
  type DataTask,
  type DataUse,
} from './data-use.ts'
