export { aws } from './aws-source.ts';
export { lambdaDeliveries, type SqsBatchResponse, type SqsEvent } from './lambda-event.ts';
