import type { Api } from '../login/client.ts';
import { canonical } from './canonical.ts';
import type { FileRule } from './file-rule.ts';
import type { LivePolicy } from './live-policy.ts';
import type { Names } from './names.ts';
import type { PolicyFile } from './policy-file.ts';
import type { Step } from './step.ts';

type RuleSet = Parameters<Api['setRules']>[0]['body'];
type Rule = RuleSet['rules'][number];

function bodyOf({ name, enabled, match, outcome }: FileRule, names: Names): Rule {
  const { sources, ...otherMatch } = match;
  const { credential, jump, grants, ...otherOutcome } = outcome;
  const credentialId = credential && names.id('credential', credential);
  const jumpTargetId = jump && names.id('machine', jump);
  return {
    ...{ name, enabled },
    match: { ...otherMatch, ...(sources === undefined ? {} : { sources: names.ids('source', sources) }) },
    outcome: {
      ...otherOutcome,
      ...(credentialId === undefined ? {} : { credentialId }),
      ...(jumpTargetId === undefined ? {} : { jumpTargetId }),
      ...(grants === undefined
        ? {}
        : { grants: { groups: names.ids('group', grants.groups), actions: grants.actions } }),
    },
  };
}

/** Rules stand in an order and are saved together: those of the file first, and behind them, unless they are pruned, those that it does not name. */
export function planRules(
  policy: PolicyFile,
  { rules: live }: LivePolicy,
  { names, prune }: { readonly names: Names; readonly prune: boolean },
): { readonly steps: readonly Step[]; readonly drift: readonly Step[] } {
  if (policy.rules === undefined || live === undefined) return { steps: [], drift: [] };
  const wanted = policy.rules.map((rule) => ({ rule: bodyOf(rule, names), line: rule.line }));
  const lines = new Map(wanted.map(({ rule, line }) => [rule.name, line]));
  const surplus = live.rules.filter(({ name }) => !lines.has(name));
  const next = [...wanted.map(({ rule }) => rule), ...(prune ? [] : surplus)];
  const save = async (run: Parameters<Step['acts'][number]['run']>[0]): Promise<unknown> =>
    run.api.setRules({ body: { rules: run.real(next), version: live.version } });
  const changed = wanted.flatMap(({ rule, line }): readonly Omit<Step, 'acts'>[] => {
    const before = live.rules.find(({ name }) => name === rule.name);
    if (before !== undefined && canonical(before) === canonical(rule)) return [];
    const act = before === undefined ? 'create' : 'update';
    const details = before === undefined ? [] : [`before: ${canonical(before)}`, `after: ${canonical(rule)}`];
    return [{ act, kind: 'rule', name: rule.name, line, details, imagine: () => undefined }];
  });
  const order = (rules: readonly Rule[]): string =>
    rules
      .map(({ name }) => name)
      .filter((name) => lines.has(name))
      .join(', ');
  const known = next.filter(({ name }) => live.rules.some((one) => one.name === name));
  if (changed.length === 0 && order(live.rules) !== order(known))
    changed.push({
      ...{ act: 'update', kind: 'rule', name: 'order of rules', imagine: () => undefined },
      details: [`${order(live.rules)} → ${order(known)}`],
    });
  const steps = changed.map((step, index): Step => ({
    ...step,
    acts: index === 0 ? [{ phase: 'rules', run: save }] : [],
  }));
  const drift = surplus.map(({ name }, index): Step => ({
    ...{ act: 'delete', kind: 'rule', name, details: [], imagine: () => undefined },
    acts: steps.length === 0 && index === 0 ? [{ phase: 'rules', run: save }] : [],
  }));
  return { steps, drift };
}
