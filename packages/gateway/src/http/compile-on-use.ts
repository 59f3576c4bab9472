import type { ValidateFunction } from 'ajv';
import type { FastifySchemaValidationError } from 'fastify/types/schema.js';

/** Compiling every schema of the table takes most of a start, and most routes are not asked in the first minutes: each is compiled when it is first used. */
export function validateOnUse(compile: () => ValidateFunction) {
  let compiled: ValidateFunction | undefined;
  const validate = (data: unknown): boolean => {
    compiled ??= compile();
    const isValid = compiled(data);
    validate.errors = compiled.errors ?? null;
    return isValid;
  };
  validate.errors = null as FastifySchemaValidationError[] | null;
  return validate;
}

export function serializeOnUse(build: () => (data: unknown) => string): (data: unknown) => string {
  let built: ((data: unknown) => string) | undefined;
  return (data) => {
    built ??= build();
    return built(data);
  };
}
