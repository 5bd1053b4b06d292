import { Link } from 'wouter';
import { useDesk } from '../desk/desk.tsx';
import { Icon } from '../ui/icon.tsx';
import { ProblemCard } from '../ui/problem-notice.tsx';

/** Short messages in the corner: read aloud politely, never in the way of the focus. */
export const Toasts = () => {
  const { toasts, drop } = useDesk();
  return (
    <section className="toasts" role="status" aria-label="Messages">
      {toasts.map(({ id, tone, title, detail, href, error }) => (
        <div key={id} className="toast" data-tone={tone}>
          {error === undefined ? (
            <div>
              <p className="toast-title">{href ? <Link href={href}>{title}</Link> : title}</p>
              {detail && <p>{detail}</p>}
            </div>
          ) : (
            <ProblemCard error={error} />
          )}
          <button
            type="button"
            className="button quiet icon-only"
            aria-label={`Dismiss: ${title}`}
            onClick={() => drop(id)}
          >
            <Icon name="close" />
          </button>
        </div>
      ))}
    </section>
  );
};
