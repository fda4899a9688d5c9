"""A model for MLServer, an independent implementation of KServe v2, that gives back what it is sent.

Start it, and run the test against it:

    pip install mlserver==1.7.1
    mlserver start test/interop/kserve_server
    SOTTO_KSERVE_SERVER=http://127.0.0.1:18080 npm test -- packages/enclave/test/engines/upstream/kserve.test.ts
"""

from mlserver import MLModel
from mlserver.types import InferenceRequest, InferenceResponse, ResponseOutput


class Echo(MLModel):
    async def load(self) -> bool:
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        outputs = [
            ResponseOutput(name=tensor.name, shape=tensor.shape, datatype=tensor.datatype, data=tensor.data)
            for tensor in payload.inputs
        ]
        return InferenceResponse(model_name=self.name, outputs=outputs)
