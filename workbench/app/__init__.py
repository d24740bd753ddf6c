"""The application: main window, gallery, panels, forms, dialogs. Qt and the layers below; never torch."""
