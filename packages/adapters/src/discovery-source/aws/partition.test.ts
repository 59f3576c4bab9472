import assert from 'node:assert/strict';
import { test } from 'node:test';
import { partitionOf } from './partition.ts';

test('accounts in China and of the government of the United States have partitions of their own', () => {
  for (const [region, partition] of [
    ['cn-north-1', 'aws-cn'],
    ['cn-northwest-1', 'aws-cn'],
    ['us-gov-west-1', 'aws-us-gov'],
    ['us-east-1', 'aws'],
    ['ca-central-1', 'aws'],
  ])
    assert.equal(partitionOf(region ?? ''), partition, region);
});
