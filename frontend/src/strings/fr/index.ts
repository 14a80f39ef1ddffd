/**
 * Le français, dans la même table que l’anglais. Pour rester cohérent :
 *
 * | anglais                  | français                    | anglais           | français                 |
 * | ------------------------ | --------------------------- | ----------------- | ------------------------ |
 * | case                     | cas                         | mark              | annotation               |
 * | read, reading            | lecture                     | contour           | contour                  |
 * | reader                   | lecteur                     | landmark          | repère                   |
 * | second read              | double lecture              | segment, mask     | segment, masque          |
 * | adjudication             | arbitrage                   | brush, eraser     | pinceau, gomme           |
 * | study, earlier study     | examen, examen antérieur    | window            | fenêtrage                |
 * | series, slice, frame     | série, coupe, image         | centre, width     | niveau, largeur          |
 * | pane, layout             | volet, disposition          | crosshairs        | réticule                 |
 * | hanging protocol         | protocole d’affichage       | as acquired       | acquisition              |
 * | submit, draft            | valider, brouillon          | queue, claim      | file, réservation        |
 * | skip, give back          | passer, rendre              | raise an issue    | signaler un problème     |
 * | round, ranking           | cycle, classement           | pool, control     | réserve, témoin          |
 * | hold-out, calibration    | test réservé, étalonnage    | freeze, dataset   | figer, jeu de données    |
 * | image store              | serveur d’images            | ledger            | registre                 |
 * | label (of a case)        | cas annoté, annotation      | stream            | groupe                   |
 * | label schema             | schéma d’annotation         | prompt            | amorce                   |
 * | picture (guideline)      | illustration                | stratum           | strate                   |
 * | option, key              | option, touche              | batch (ranked)    | lot                      |
 *
 * Boutons et actions à l’infinitif, consignes à l’impératif avec « vous ». Espace fine insécable (U+202F)
 * devant ; : ! ? et à l’intérieur des guillemets, apostrophe typographique, points de suspension en un signe.
 */
import type { Texts } from '..';
import { acquisition } from './acquisition';
import { evaluation } from './evaluation';
import { exchange } from './exchange';
import { hanging } from './hanging';
import { imports } from './imports';
import { keyboard } from './keyboard';
import { learning } from './learning';
import { people } from './people';
import { prompts } from './prompts';
import { reading } from './reading';
import { room } from './room';
import { schema } from './schema';
import { segments } from './segments';
import { shell } from './shell';
import { suggestions } from './suggestions';
import { viewing } from './viewing';
import { words } from './words';

export const fr: Texts = {
  ...acquisition,
  ...shell,
  ...reading,
  ...room,
  ...viewing,
  ...segments,
  ...learning,
  ...imports,
  ...evaluation,
  ...exchange,
  ...people,
  ...prompts,
  ...keyboard,
  ...suggestions,
  ...hanging,
  ...schema,
  ...words,
};
