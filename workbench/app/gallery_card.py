"""One paper in the gallery."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt, Signal, Slot
from PySide6.QtGui import QColor, QFont, QKeyEvent, QPainter, QPainterPath, QPaintEvent, QPen, QPixmap
from PySide6.QtWidgets import QAbstractButton, QSizePolicy
from typing_extensions import override

from workbench.app.icons import draw_icon
from workbench.app.pictures import placeholder, topic_colour
from workbench.catalog import Entry
from workbench.runs import Reproductions
from workbench.views.theme import theme

PICTURE_SHARE = 0.56
"""Height of the picture as a share of the card's width."""
TEXT_HEIGHT = 110
MARGIN = 12


@dataclass(frozen=True)
class Claims:
    """How many claims of a paper hold, of how many that were checked."""

    held: int
    all: int

    @classmethod
    def of(cls, entry: Entry) -> Claims:
        """Count what was measured here, or else what the plugin's recorded reproduction says."""
        recorded = {**entry.recorded_claims(), **Reproductions().of(entry.card.id)}
        return cls(sum(bool(claim.get("holds")) for claim in recorded.values()), len(recorded))


class GalleryCard(QAbstractButton):
    """Picture, title, byline, one line of what one can do, and how it stands. A click opens it."""

    moved = Signal(object, object)
    """The card and the arrow key that was pressed on it."""

    def __init__(self, entry: Entry) -> None:
        super().__init__()
        self.entry = entry
        self.claims = Claims.of(entry)
        self.waiting_run = ""
        self._picture: QPixmap | None = None
        self._picture_key: object = None
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        theme().changed.connect(self._restyle)
        self.refresh()

    def refresh(self) -> None:
        """Take over a changed status of the entry."""
        card = self.entry.card
        self.setAccessibleName(f"{card.short}, {card.byline}, {self.status_text or self.entry.status}")
        self.setAccessibleDescription(card.invitation or card.summary)
        authors = ", ".join(card.authors)
        note = {"planned": "\nPlanned: not built yet.", "broken": f"\n{self.entry.error}"}.get(self.entry.status, "")
        self.setToolTip(f"{card.title}\n{authors}\n{card.topic}{note}")
        self.update()

    def set_waiting_run(self, text: str) -> None:
        """Show that a run of this paper can be continued; an empty text: none."""
        self.waiting_run = text
        self.refresh()

    @property
    def status_text(self) -> str:
        """The words at the foot of the card."""
        if self.entry.status == "planned":
            return "planned"
        if self.entry.status == "broken":
            return "broken: see why"
        if self.waiting_run:
            return "continue"
        if self.claims.all:
            return f"{self.claims.held}/{self.claims.all} claims hold"
        return "ready"

    def _status_look(self) -> tuple[str, str]:
        if self.entry.status == "planned":
            return "mdi6.clock-outline", theme().muted
        if self.entry.status == "broken":
            return "mdi6.alert-outline", theme().error
        if self.waiting_run:
            return "mdi6.play", theme().accent
        if self.claims.all:
            is_whole = self.claims.held == self.claims.all
            return ("mdi6.check-circle-outline", theme().success) if is_whole else ("mdi6.check", theme().warning)
        return "mdi6.play-circle-outline", theme().accent

    def set_width(self, width: int) -> None:
        """Make the card `width` wide, and as high as that needs."""
        self.setFixedSize(width, round(width * PICTURE_SHARE) + TEXT_HEIGHT)

    @override
    def sizeHint(self) -> QSize:
        return self.size()

    @override
    def keyPressEvent(self, event: QKeyEvent) -> None:
        arrows = (Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Home, Qt.Key.Key_End)
        if event.key() in arrows:
            self.moved.emit(self, Qt.Key(event.key()))
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.click()
        else:
            super().keyPressEvent(event)

    @Slot()
    def _restyle(self) -> None:
        self._picture = None
        self.update()

    def _current_picture(self, size: QSize) -> QPixmap:
        ratio = self.devicePixelRatioF()
        key = (size.width(), size.height(), ratio, theme().is_dark)
        if self._picture is None or key != self._picture_key:
            self._picture, self._picture_key = self._make_picture(size, ratio), key
        return self._picture

    def _make_picture(self, size: QSize, ratio: float) -> QPixmap:
        file = self.entry.thumbnail(theme().is_dark)
        loaded = QPixmap(str(file)) if file else QPixmap()
        if loaded.isNull():
            return placeholder(self.entry.card, size, ratio, is_greyed=self.entry.status == "planned")
        scaled = loaded.scaled(
            size * ratio, Qt.AspectRatioMode.KeepAspectRatioByExpanding, Qt.TransformationMode.SmoothTransformation
        )
        left, top = (scaled.width() - size.width() * ratio) / 2, (scaled.height() - size.height() * ratio) / 2
        cut = scaled.copy(round(left), round(top), round(size.width() * ratio), round(size.height() * ratio))
        cut.setDevicePixelRatio(ratio)
        return cut

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        frame = QRectF(self.rect()).adjusted(1.5, 1.5, -1.5, -1.5)
        outline = QPainterPath()
        outline.addRoundedRect(frame, 8, 8)
        painter.fillPath(outline, QColor(theme().background))
        picture = QSize(self.width() - 3, round((self.width() - 3) * PICTURE_SHARE))
        painter.save()
        painter.setClipPath(outline)
        painter.setOpacity(0.8 if self.entry.status == "planned" else 1.0)
        painter.drawPixmap(QPointF(1.5, 1.5), self._current_picture(picture))
        painter.restore()
        self._paint_text(painter, self.rect().adjusted(MARGIN, picture.height() + 9, -MARGIN, -MARGIN + 2))
        edge = QColor(theme().accent if self.hasFocus() or self.underMouse() else theme().grid)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(edge, 2.0 if self.hasFocus() or self.underMouse() else 1.0))
        painter.drawPath(outline)

    def _paint_text(self, painter: QPainter, rect: QRect) -> None:
        card, is_planned = self.entry.card, self.entry.status == "planned"
        ink = QColor(theme().muted if is_planned else theme().foreground)
        title, plain = QFont(self.font()), QFont(self.font())
        title.setBold(True)
        title.setPointSizeF(title.pointSizeF() * 1.12)
        plain.setPointSizeF(plain.pointSizeF() * 0.93)
        painter.setFont(title)
        painter.setPen(ink)
        height = painter.fontMetrics().height()
        elide = Qt.TextElideMode.ElideRight
        painter.drawText(
            QRect(rect.x(), rect.y(), rect.width(), height),
            int(Qt.AlignmentFlag.AlignLeft),
            painter.fontMetrics().elidedText(card.short, elide, rect.width()),
        )
        painter.setFont(plain)
        painter.setPen(QColor(theme().muted))
        line, y = painter.fontMetrics().height(), rect.y() + height + 1
        painter.drawText(QRect(rect.x(), y, rect.width(), line), int(Qt.AlignmentFlag.AlignLeft), card.byline)
        painter.setPen(ink)
        sentence = self.entry.error if self.entry.status == "broken" else card.invitation or card.summary or card.title
        self._paint_wrapped(painter, QRect(rect.x(), y + line + 5, rect.width(), 2 * line), sentence)
        self._paint_foot(painter, QRect(rect.x(), rect.bottom() - line, rect.width(), line + 1))

    def _paint_wrapped(self, painter: QPainter, rect: QRect, text: str) -> None:
        """Draw at most two lines, the second with an ellipsis where the text is longer."""
        metrics, words, first = painter.fontMetrics(), text.split(), ""
        while words and metrics.horizontalAdvance(f"{first} {words[0]}".strip()) <= rect.width():
            first = f"{first} {words.pop(0)}".strip()
        painter.drawText(rect, int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop), first)
        second = metrics.elidedText(" ".join(words), Qt.TextElideMode.ElideRight, rect.width())
        below = rect.adjusted(0, metrics.height(), 0, 0)
        painter.drawText(below, int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop), second)

    def _paint_foot(self, painter: QPainter, rect: QRect) -> None:
        icon_name, colour = self._status_look()
        draw_icon(painter, QRect(rect.x(), rect.y(), 15, 15), icon_name, QColor(colour))
        painter.setPen(QColor(colour))
        painter.drawText(rect.adjusted(20, 0, 0, 0), int(Qt.AlignmentFlag.AlignVCenter), self.status_text)
        painter.setPen(topic_colour(self.entry.card.topic))
        flags = int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight)
        metrics = painter.fontMetrics()
        left = 20 + metrics.horizontalAdvance(self.status_text) + 10
        topic = metrics.elidedText(self.entry.card.topic, Qt.TextElideMode.ElideRight, rect.width() - left)
        painter.drawText(rect, flags, topic)
