import type { EngineContext, ProtocolEngine } from '@enchilada/core/engine';
import { openPassage, Patience, type PassageParts } from '../shared/index.ts';
import { ApiServer } from './api-server.ts';
import { choosePlace, type Place } from './choose-pod.ts';
import { readKubeconfig } from './kubeconfig.ts';
import { manifest, readParameters, type KubernetesParameters } from './kubernetes-manifest.ts';
import { KubernetesSession } from './kubernetes-session.ts';

export interface KubernetesLimits {
  readonly handshakeMs: number;
  /** How long a person may take for one answer. */
  readonly answerMs: number;
}

const LIMITS: KubernetesLimits = { handshakeMs: 20_000, answerMs: 180_000 };

export interface KubernetesOptions extends PassageParts {
  readonly limits?: Partial<KubernetesLimits>;
}

export function createKubernetes({ limits: given = {}, ...parts }: KubernetesOptions): ProtocolEngine {
  const limits = { ...LIMITS, ...given };
  return {
    manifest,
    readFile: readKubeconfig,
    async open(context: EngineContext) {
      const hop = context.hops.at(-1) ?? context.hops[0];
      const { target } = hop.leave;
      const parameters = readParameters(target.parameters);
      await using opened = new AsyncDisposableStack();
      const passage = opened.use(await openPassage(context, parts));
      const tooLong = new AbortController();
      using patience = new Patience(context.clock, limits, (fault) => tooLong.abort(fault));
      const signal = AbortSignal.any([context.signal, tooLong.signal]);
      const api = new ApiServer({
        ...{ hop, parameters, passage, patience, signal },
        progress: (step, name) => context.progress(step, name),
      });
      opened.defer(() => api.destroy());
      await api.signIn();
      const place = await choosePlace({ api, parameters, patience, signal, title: target.name, ask: context.ask });
      context.progress('shell', target.name);
      const stream = await api.stream(pathOf(place, parameters));
      const { container } = place;
      const session = new KubernetesSession(
        stream,
        {
          hasTerminal: !parameters.attaches || container.hasTerminal,
          takesInput: !parameters.attaches || container.takesInput,
          facts: {
            ...api.facts,
            ...(passage.via.length === 0 ? {} : { via: passage.via.join(' → ') }),
            namespace: place.namespace,
            pod: place.pod,
            container: container.name,
          },
        },
        context,
      );
      const below = opened.move();
      void session.ended.then(() => below.disposeAsync());
      return session;
    },
  };
}

/** [pods/exec and pods/attach](https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/#get-connect-get-requests-to-exec-of-pod) */
function pathOf({ namespace, pod, container }: Place, { attaches, command }: KubernetesParameters): string {
  const hasTerminal = !attaches || container.hasTerminal;
  const query = new URLSearchParams({
    container: container.name,
    stdin: String(!attaches || container.takesInput),
    stdout: 'true',
    // A terminal has one output.
    stderr: String(!hasTerminal),
    tty: String(hasTerminal),
  });
  if (!attaches) for (const argument of command) query.append('command', argument);
  const base = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(pod)}`;
  return `${base}/${attaches ? 'attach' : 'exec'}?${query.toString()}`;
}
