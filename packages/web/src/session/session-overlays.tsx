import { useText } from '../i18n/text.tsx';
import { ConnectionPath } from './connection-path.tsx';
import { EndedPage } from './ended-page.tsx';
import { QuestionDialog } from './question-dialog.tsx';
import type { SurfaceSessionProps } from './session-document.tsx';
import { isOver } from './session-view.ts';
import type { LiveSession } from './use-session.ts';

/** What lies over a surface, whichever it is: the way to the machine, a lost connection, a question, the end. */
export function SessionOverlays(
  props: SurfaceSessionProps & { readonly live: LiveSession; readonly onFocusSurface: () => void },
) {
  const text = useText();
  const { title, subject, live } = props;
  const { view, connection } = live;
  const over = isOver(view);
  const question = view.questions[0];
  return (
    <>
      {!over && view.phase === 'opening' && <ConnectionPath view={view} title={title} />}
      {view.link === 'lost' && view.phase === 'live' && (
        <div className="session-lost" role="status">
          <span className="pulse" aria-hidden />
          {text('session.reconnecting')}
          {(connection?.heldBytes ?? 0) > 0 && <span className="sub">{text('session.held')}</span>}
        </div>
      )}
      {over && (
        <EndedPage
          view={view}
          title={title}
          session={live.session}
          viewOnly={subject.kind === 'new' && subject.viewOnly}
          targetId={subject.kind === 'new' ? subject.targetId : subject.session.target.id}
          mode={subject.kind === 'new' ? 'control' : subject.mode}
        />
      )}
      {question !== undefined && (
        <QuestionDialog
          key={question.id}
          question={question}
          title={title}
          onAnswer={(message) => {
            connection?.send(message);
            live.answered(question.id);
            setTimeout(props.onFocusSurface);
          }}
        />
      )}
    </>
  );
}
